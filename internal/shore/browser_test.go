package shore

import (
	"slices"
	"strings"
	"testing"
)

func TestTheBrowserShowsAPageAndLetsItNowhere(t *testing.T) {
	b := Chromium(t)
	page := `<!DOCTYPE html><meta name="viewport" content="width=device-width"><title>here</title><style>p{color:rgb(1,2,3)}@media(prefers-color-scheme:dark){p{color:rgb(4,5,6)}}</style><p>text</p><img src="http://127.0.0.1:1/pixel.png">`
	for _, tt := range []struct {
		Look
		want string
	}{{Look{Width: 360, Mobile: true}, "360 rgb(1, 2, 3)"}, {Look{Width: 1200, Dark: true}, "1200 rgb(4, 5, 6)"}} {
		b.Look(t, tt.Look)
		b.Open(t, page)
		var got string
		b.Eval(t, `innerWidth + " " + getComputedStyle(document.querySelector("p")).color`, &got)
		if got != tt.want {
			t.Errorf("page = %q, want %q", got, tt.want)
		}
		if got := b.Outside(); !slices.Equal(got, []string{"http://127.0.0.1:1/pixel.png"}) {
			t.Errorf("outside = %q, want the picture", got)
		}
		if got := string(b.Picture(t)); !strings.HasPrefix(got, "\x89PNG") {
			t.Errorf("picture = %.8q, want a PNG", got)
		}
	}
}

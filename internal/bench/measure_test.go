package main

import (
	"context"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "usage" { // a step calls its own program
		if err := command(context.Background(), os.Args[1:]); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestWhatTheBenchHasInMemoryIsNotCountedForWhomItMeasures(t *testing.T) {
	held := make([]byte, 128<<20)
	for i := range held {
		held[i] = 1
	}
	var took sample
	if _, err := (step{path: "/bin/true"}).run(t.Context(), &took); err != nil {
		t.Fatal(err)
	}
	if took.rss == 0 || took.rss > 64<<20 {
		t.Errorf("true had %d MiB at most, and the bench held %d", took.rss>>20, len(held)>>20)
	}
	if took.wall == 0 {
		t.Error("true took no time")
	}
}

func TestAStepThatEndsOtherwiseIsAnError(t *testing.T) {
	for path, exits := range map[string][]int{"/bin/false": nil, "/bin/true": {1}, "/bin/no-such-program": nil} {
		if _, err := (step{path: path, exits: exits}).run(t.Context(), nil); err == nil {
			t.Errorf("%s, wanted %v: no error", path, exits)
		}
	}
	if _, err := (step{path: "/bin/false", exits: []int{1}}).run(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

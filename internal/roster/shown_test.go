package roster

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestWhatIsShownOfADropCanBeSeen(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"31.02.2026", "31.02.2026"},
		{"Zażółć דוד 山田", "Zażółć דוד 山田"},
		{"a\r\nBcc: b@example.org", "a‹CR›‹LF›Bcc: b@example.org"},
		{"\t=1+1", "‹TAB›=1+1"},
		{"\x00\x1b[31m\x7f\u0085", "‹NUL›‹ESC›[31m‹U+007F›‹U+0085›"},
		{"gpj.\u202eexe", "gpj.‹U+202E›exe"},
		{"01\u00a0.13", "01‹U+00A0›.13"},
		{"a\u200bb\ufeff", "a‹U+200B›b‹U+FEFF›"},
		{"a\u2028b", "a‹U+2028›b"},
		{"\xff", "\ufffd"},
		{strings.Repeat("ł", 100), strings.Repeat("ł", 100)},
		{strings.Repeat("ł", 101), strings.Repeat("ł", 100) + "…"},
		{strings.Repeat("a", 99) + "\r", strings.Repeat("a", 99) + "…"}, // a name is not cut in two
	} {
		if got := Visible(tt.text, MaxShown); got != tt.want {
			t.Errorf("Visible(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestWhatIsShownOfAnyTextIsShortAndHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		got := Visible(rapid.String().Draw(t, "text"), MaxShown)
		if n := utf8.RuneCountInString(got); n > MaxShown+1 || !utf8.ValidString(got) {
			t.Errorf("%d characters: %q", n, got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q cannot be seen in %q", got[i:], got)
		}
	})
}

func TestPasswordsNationalIDsAndBirthDatesAreKnownByTheirNames(t *testing.T) {
	for _, name := range []string{
		"password", "Password", "user_pwd", "UserPwd", "PASSWD1", "Initial password", "Passwort", "Hasło", "password_hash", "contraseña", "PIN",
		"SSN", "EmpSSN", "SSNNumber", "ssn_last4", "National ID", "nationalId", "NationalInsuranceNo", "PESEL", "Nr PESEL", "Numer-PESEL", "personnummer", "fødselsnummer", "Tax ID", "tax_id", "Steuer-ID", "BSN", "codiceFiscale",
		"birth_date", "BirthDate", "Date of Birth", "DOB", "dob2", "Geburtsdatum", "Data urodzenia", "date de naissance", "fields.birth_date", "fields.ssn",
		"NIP", "NHS number", "NHS No", "IdNr", "parola", "ＳＳＮ", "Token", "syntymäaika", "datum narození", "dátum narodenia", "Datum rođenja", "Datum rojstva", "Születési dátum", "Data nașterii",
		"Дата рождения", "Дата народження", "Дата на раждане", "Датум рођења", "Ημερομηνία γέννησης", "Doğum Tarihi", "DOĞUM TARİHİ", "Data de nascimento", "Sünniaeg", "Dzimšanas datums", "Gimimo data",
		"Fødselsdato", "fæðingardagur", "födelsedatum", "geboortedatum", "Salasana", "lösenord", "Adgangskode", "Passord", "slaptažodis", "jelszó", "heslo", "geslo", "lozinka", "Şifre", "ПАРОЛЬ",
		"Hetu", "kennitala", "isikukood", "asmens kodas", "rodné číslo", "TAJ szám", "CNP", "ЕГН", "OIB", "EMŠO", "JMBG", "ΑΜΚΑ", "PPS Number", "burgerservicenummer", "Rijksregisternummer", "NIF", "n° sécurité sociale", "T.C. Kimlik No",
	} {
		if !NeverShown(name) {
			t.Errorf("the values of %q would be shown", name)
		}
	}
	for _, name := range []string{
		"", "employee_id", "PersonNo", "PersonNumber", "Login", "email", "WorkEmail", "EndDate", "start_date", "Department", "Business", "Using", "Kassino", "pinned",
		"Passenger", "assignment", "Dobrzyn", "Stubborn", "city", "Class", "Compass", "fields.cost_centre",
		"NHS Trust", "Ship", "Snippet", "Tokenless", "Inner", "Innsbruck", "Tajmahal", "Matricule", "Clave", "Personalnummer", "Kostenstelle", "Personal ID", "Kode",
	} {
		if NeverShown(name) {
			t.Errorf("the values of %q would not be shown", name)
		}
	}
}

func TestAPersonIsNamedByWhatIsNotHidden(t *testing.T) {
	v := Values{Username: "k.wrona", FirstName: "Karol", LastName: "Wro\u202ena"}
	for _, tt := range []struct {
		hidden FieldSet
		want   Who
	}{
		{0, Who{Username: "k.wrona", Name: "Karol Wro‹U+202E›na"}},
		{FieldSet(0).With(LastName), Who{Username: "k.wrona", Name: "Karol"}},
		{Hidden{"first_name": true, "last_name": true, "fields.badge": true}.Fields(), Who{Username: "k.wrona"}},
	} {
		if got := WhoIs(&v, tt.hidden); got != tt.want {
			t.Errorf("hidden %b: %+v, want %+v", tt.hidden, got, tt.want)
		}
	}
}

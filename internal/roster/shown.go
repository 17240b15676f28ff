package roster

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Withheld stands in a report where a value is that nobody may read there.
const Withheld = "***"

// MaxShown is the most characters of a value, or of a name, that a report
// repeats from a drop.
const MaxShown = 100

// Hidden are the fields whose values no report shows, by their public names:
// those that a profile marks as sensitive, and those of a name that [NeverShown] knows.
type Hidden map[string]bool

// Fields are those of h that accounts have of old.
func (h Hidden) Fields() (s FieldSet) {
	for f := range NumFields {
		if h[f.String()] {
			s = s.With(f)
		}
	}
	return s
}

// A Who is the person a row speaks of, as a report may name them. The zero Who
// is nobody, or somebody whom the profile's reports do not name.
type Who struct {
	Username string
	Name     string // as people say it
}

// WhoIs names a person by some values, but by none that is hidden.
func WhoIs(v *Values, hidden FieldSet) Who {
	shown := func(f Field) string {
		if hidden.Has(f) {
			return ""
		}
		return v[f]
	}
	name := strings.TrimSpace(shown(FirstName) + " " + shown(LastName))
	return Who{Username: Visible(shown(Username), MaxShown), Name: Visible(name, MaxShown)}
}

// Visible is at most so many characters of a text from outside, in one line and
// with nothing in it that cannot be seen: control characters become their names
// (‹CR›), and what could turn a line around, or hide in it, its number (‹U+202E›).
func Visible(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		piece := string(r)
		if !unicode.IsPrint(r) {
			piece = "‹" + cmp.Or(controls[r], fmt.Sprintf("U+%04X", r)) + "›"
		}
		if n += utf8.RuneCountInString(piece); n > most {
			return b.String() + "…"
		}
		b.WriteString(piece)
	}
	return b.String()
}

// controls are the control characters that people know by name.
var controls = map[rune]string{0: "NUL", '\t': "TAB", '\n': "LF", '\r': "CR", 0x1b: "ESC"}

// neverShown are names of fields and columns whose values no report repeats,
// whatever a profile says: passwords, national identity numbers and birth dates,
// as the sites that we know call them, without accents, blanks and punctuation. A
// short one is meant where it is a word of the name (user_pwd, EmpSSN, DOB1), a
// long one wherever it stands in it.
var neverShown = []string{
	"password", "passwd", "passphrase", "passcode", "passkey", "passwort", "kennwort", "motdepasse", "contrasena", "contrasenya", "claveacceso", "clavedeacceso", "pasahitza",
	"wachtwoord", "salasana", "salasona", "losenord", "adgangskode", "kodeord", "passord", "lykilord", "slaptazodis", "jelszo", "heslo", "geslo", "lozinka", "zaporka",
	"parola", "parole", "senha", "palavrapasse", "sifre", "fjalekalim", "focalfaire", "pasfhocal", "cyfrinair",
	"парола", "пароль", "лозинка", "συνθηματικο", "κωδικοσπροσβασησ",
	"pwd", "pass", "pin", "haslo", "secret", "hash", "token", "apikey", "otp", "totp", "credential",

	"nationalid", "nationalinsurance", "socialsecurity", "socialinsurance", "personalidentity", "citizenid", "identitycard", "passport",
	"nhsnumber", "nhsno", "nhsnr", "nhsid", "chinumber", "ppsnumber", "ppsn", "pps",
	"taxnumber", "steuernummer", "steueridnr", "identifikationsnummer", "sozialversicherung", "rentenversicherung", "krankenversich", "versichertennummer", "ausweisnummer", "personalausweis", "reisepass", "ahvnummer",
	"codicefiscale", "codigofiscal", "numerosecu", "securitesociale", "registrenational", "seguridadsocial", "cartaocidadao", "bilhetedeidentidade",
	"burgerservicenummer", "sofinummer", "rijksregister", "insz", "niss",
	"personnummer", "samordningsnummer", "fodselsnummer", "dnummer", "henkilotunnus", "hetu", "kennitala", "isikukood", "personaskods", "asmenskodas",
	"rodnecislo", "adoazonosito", "tajszam", "taj", "szemelyiszam", "codnumericpersonal", "davcnastevilka", "tckimlik", "tckn", "kimlikno", "rnokpp", "snils", "inn",
	"егн", "снилс", "инн", "αμκα", "αφμ",
	"ssn", "sin", "nino", "nin", "tin", "nid", "nip", "taxid", "steuerid", "idnr", "idcard", "svnr", "svnummer", "ahv", "pesel", "bsn", "cpr", "cprnr", "cnp", "dni", "nie", "nif", "nir", "nss", "insee",
	"oib", "egn", "emso", "jmbg", "embg", "amka", "afm", "cpf", "curp", "aadhaar",

	"birthdate", "dateofbirth", "birthday", "geburtsdatum", "geburtstag", "dataurodzenia", "datenaissance", "datedenaissance", "fechanacimiento", "fechadenacimiento",
	"datadinascita", "datanascita", "geboortedatum", "geboortedag", "fodelsedatum", "fodelsedag", "fodselsdato", "fodselsdag", "faedingardag",
	"syntymaaika", "syntymapaiva", "sunniaeg", "sunnikuupaev", "dzimsanas", "gimimodata", "narozeni", "narodenia", "szuletesi", "szuletes", "szuldatum",
	"datanasterii", "nasterii", "nastere", "rodjenja", "rodenja", "rojstva", "rojstnidatum", "datelindja", "datelindjes", "ditelindja", "dogumtarihi", "dogum",
	"nascimento", "nacemento", "naixement", "jaiotze", "breithe", "dyddiadgeni", "twelid",
	"раждане", "рождения", "народження", "рођења", "рагање", "γεννησησ",
	"birth", "dob", "bday", "born", "gebdat", "geboren", "urodzenia", "naissance", "nacimiento", "nascita", "fodt", "gimimo",
}

// longName is the length from which a name of [neverShown] is looked for inside another.
const longName = 8

// NeverShown tells whether a field or a column is so named that no report may
// repeat its values.
func NeverShown(name string) bool {
	words := wordsOf(name)
	whole := strings.Join(words, "")
	for _, n := range neverShown {
		if whole == n || len(n) >= longName && strings.Contains(whole, n) {
			return true
		}
		for i, w := range words {
			if w == n || i > 0 && words[i-1]+w == n { // tax id
				return true
			}
		}
	}
	return false
}

// wordsOf are the words of a name, in lower case and without accents. A word ends
// where anything but a letter stands, and before a capital: EmpSSN, SSNNumber.
func wordsOf(name string) (words []string) {
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	letters := []rune(norm.NFKD.String(name)) // of full width too
	for i, r := range letters {
		switch {
		case unicode.Is(unicode.Mn, r):
			continue
		case !unicode.IsLetter(r):
			end()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(letters[i-1]) || unicode.IsUpper(letters[i-1]) && i+1 < len(letters) && unicode.IsLower(letters[i+1])):
			end()
		}
		switch r = unicode.ToLower(r); r {
		case 'ł':
			r = 'l'
		case 'ø':
			r = 'o'
		case 'đ', 'ð':
			r = 'd'
		case 'ı':
			r = 'i'
		case 'ς':
			r = 'σ'
		case 'æ':
			word.WriteRune('a')
			r = 'e'
		}
		word.WriteRune(r)
	}
	end()
	return words
}

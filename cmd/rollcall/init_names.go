package main

import (
	"slices"
	"strings"
)

// called is what HR systems call the fields of an account, in [essence]; the
// likelier names first. A name counts for the first field that has it.
var called = []struct {
	field string
	names []string
}{
	{"employee_id", strings.Fields(`employeeid employeenumber employeeno employeecode empid empno empnr personno personid personnr personnumber
		personnelnumber personnelno staffid staffno staffnumber workerid payrollnumber payrollid studentid studentnumber studentno pupilid
		personalnummer personalnr persnr pnr mitarbeiternummer mitarbeiternr mitarbeiterid matrikelnummer schulernummer schuelernummer
		matricule numeroagent numeroemploye numeroempleado numempleado codigoempleado idempleado legajo matricola codicedipendente
		numerpracownika nrpracownika numerewidencyjny nrewidencyjny idpracownika ansattnummer ansattnr ansattid anstallningsnummer
		anstallningsnr medarbejdernummer medarbejdernr personeelsnummer personeelsnr sicilno sicilnumarasi osobnicislo
		idnumber externalid id nr no nummer numer numero number code kod`)},
	{"username", strings.Fields(`username login loginname userid user account accountname samaccountname benutzername benutzer kennung
		nomutilisateur nomdutilisateur identifiant usuario nombreusuario nazwauzytkownika loginad brugernavn brukernavn anvandarnamn
		gebruikersnaam nomeutente kullaniciadi uzivatelskejmeno uid`)},
	{"first_name", strings.Fields(`firstname givenname forename first given vorname rufname prenom nombre nombres nombredepila imie imiona
		fornavn fornamn tilltalsnamn voornaam roepnaam nome ad adi isim jmeno krestnijmeno meno etunimi keresztnev`)},
	{"last_name", strings.Fields(`lastname familyname surname last family nachname familienname zuname nom nomdefamille apellido apellidos
		nazwisko etternavn efternavn efternamn achternaam cognome soyad soyadi prijmeni priezvisko sukunimi vezeteknev sn`)},
	{"email", strings.Fields(`email emailaddress workemail mail mailaddress emailadresse mailadresse dienstmail courriel adressemail
		adressecourriel correo correoelectronico adresemail adresepocztowy epost epostadress epostadresse eposta postaelettronica
		indirizzoemail emailzakelijk sahkoposti`)},
	{"status", strings.Fields(`status employmentstatus personstatus state beschaftigungsstatus statut etat estado stato durum stav stan`)},
	{"starts_on", strings.Fields(`startdate start startson entrydate hiredate hired datehired joindate eintritt eintrittsdatum beginn
		datedebut datededebut dateentree datedentree datedembauche fechainicio fechadeinicio fechaalta fechaingreso datazatrudnienia datarozpoczecia startdato startdatum
		ansattfra indiensttreding datumindienst datainizio dataassunzione isegiristarihi datumnastupu`)},
	{"expires_on", strings.Fields(`enddate end endson leavedate leavingdate terminationdate expirydate expireson expires contractend
		austritt austrittsdatum vertragsende enddatum datefin datedefin datesortie datedesortie findecontrat fechafin fechadefin fechabaja fechatermino datazwolnienia
		datazakonczenia koniecumowy sluttdato slutdato slutdatum ansatttil datumuitdienst datafine datacessazione bitistarihi
		istencikistarihi datumukonceni`)},
	{"department", strings.Fields(`department dept departmentname ward unit orgunit organisationunit organizationalunit division team
		abteilung bereich station service departement departamento dzial oddzial komorkaorganizacyjna avdeling afdeling avdelning enhet
		reparto dipartimento bolum birim oddeleni osasto class form klasse`)},
	{"title", strings.Fields(`jobtitle title position job jobname function stelle funktion berufsbezeichnung poste fonction emploi cargo
		puesto stanowisko stilling stillingsbetegnelse befattning titel functie mansione qualifica unvan gorev funkce pracovnipozice`)},
	{"manager", strings.Fields(`manager managerid supervisor linemanager vorgesetzter vorgesetzte chef responsable superieur przelozony
		leder narmastechef leidinggevende responsabile yonetici vedouci`)},
	{"institution", strings.Fields(`institution company companyname organisation organization employer firma arbeitgeber entreprise
		etablissement empresa azienda bedrijf virksomhed foretag kurum`)},
	{"phone1", strings.Fields(`phone telephone tel workphone phonenumber telephonenumber extension telefon telefonnummer telefonnr
		telefono telefoon numertelefonu puhelin`)},
	{"phone2", strings.Fields(`mobile mobilephone cell cellphone handy mobil mobilnummer portable movil celular komorka cellulare gsm
		ceptelefonu mobiel`)},
	{"language", strings.Fields(`language lang preferredlanguage sprache langue idioma jezyk sprak taal lingua dil jazyk`)},
	{"city", strings.Fields(`city town ort stadt ville ciudad miasto stad citta sehir mesto kaupunki`)},
	{"country", strings.Fields(`country countrycode land pays pais kraj ulke paese zeme maa`)},
}

// fieldCalled is the field that a column of that name is likely to be, and how
// early the name stands in the field's list; "" for none.
func fieldCalled(name string) (field string, rank int) {
	name = essence(name)
	for _, f := range called {
		for i, n := range f.names {
			if n == name {
				return f.field, i
			}
		}
	}
	return "", 0
}

// innermost is what a path of elements leads to: the first of name/first, the no of @no.
func innermost(path string) string {
	path = path[strings.LastIndexByte(path, '/')+1:]
	name, _, _ := strings.Cut(path, "[")
	return strings.TrimPrefix(name, "@")
}

// states are what HR systems write for a status.
var states = []struct {
	status string
	words  []string
}{
	{"active", strings.Fields(`a active aktiv actif active activo aktywny attivo actief aktivni employed working 1`)},
	{"leave", strings.Fields(`l leave onleave parental maternity sick urlop elternzeit conge permiso permisjon`)},
	{"leaver", strings.Fields(`t terminated left leaver inactive inaktiv ausgetreten sorti parti inactif baja zwolniony sluttet slutat i x 0`)},
}

// stateMeant is the status that a word is likely to mean; "?" where nothing is
// known of it.
func stateMeant(word string) string {
	for _, s := range states {
		if slices.Contains(s.words, essence(word)) {
			return s.status
		}
	}
	return "?"
}

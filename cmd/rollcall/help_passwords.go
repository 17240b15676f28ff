package main

// passwordsPage is "rollcall help passwords".
const passwordsPage = `Passwords, for accounts whose auth is manual or says nothing

rollcall keeps a hash of a password (accounts.password_hash: argon2id or bcrypt) and nowhere the password: not in the
journal, a report, a log, a stored plan, the archive or the outbox. No view shows the hash.

Given in the file
  map: {password: COLUMN}        a new account gets it; blanks at its ends belong to it
  passwords: add                 and nothing changes for those who are there (update: it does; ignore: not even a new one)
  changeme                       is set, and another one must be chosen at the next login
  force_change: none             weak: who has a weak one must choose another; all: everybody whose password is set
  weak: accept                   what fails accounts.password_policy is used and counted (E126); reject: it is not used
  0                              is not used (E127): a spreadsheet makes it of what begins with - or +

  Such a drop is read whole each night, for what is remembered of unchanged records would be a quick hash of their
  passwords. With passwords: update each password given for a known account is also compared with its hash, and that is
  as slow as hashing on purpose: about 70 a second on two cores, 5,000 people in a bit more than a minute. Leave the
  column out of the nightly file where you can. What archive/ keeps of such a drop is its records without the column,
  as CSV and on the same lines: --file last and explain read it, and take nobody's password away.
  While such a drop is read its copy lies in spool/PROFILE of the state folder (0700, the file 0600), and goes with the
  run. After a kill (-9, a power cut) it lies there until somebody finds that the run is dead, which is whatever comes
  first of: the next run of the profile, rollcall status, rollcall runs, and rollcall serve, at its start and each minute.
  A column of passwords that map: does not name is unknown to rollcall, and kept as it came: have HR leave it out.

Made by rollcall
  generate_password: on          a new account whose record gives none awaits one
  max_welcome: 50                more welcome mails of one run wait: rollcall outbox release RUN

  The password is made in the moment in which the welcome mail leaves, and becomes the account's in the transaction that
  notes the sending. It is in the mail and nowhere else, and must be changed at the first login. Who starts later is
  written to on the day; who has no address is counted and written to once there is one. A mail that was cut off is
  sent again with another password: the newest counts, and the mail says so. mail.only_to is respected, and the
  password in such a mail counts all the same: try it out where the directory is one for trying out.

  rollcall accounts edit ACCOUNT --reset-password         a new one, by mail; the old one is gone at once
  rollcall accounts edit ACCOUNT --force-password-change  another one must be chosen at the next login

The text of the mail
  welcome.d/LANGUAGE.txt beside rollcall.yaml, like de.txt or pt-BR.txt; else an English one. The account's language is
  looked for first, then language: of rollcall.yaml. rollcall validate reads them all. A text is

      Subject: Ihr Kennwort

      Hallo {first_name},

          Benutzername   {username}
          Kennwort       {password}

  Places: {username} {password} {first_name} {last_name} {email} {employee_id} {institution} {department}. {password} must be
  there, and not in the subject. --reset-password sends the same text: word it so that it suits old accounts too. A line that begins with blanks is never broken.

Taking a run back (runs revert) brings the passwords of before back; a password that was changed since stays.
`

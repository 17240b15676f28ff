package main

const ldapPage = `A profile with source.type: ldap asks a directory for everybody, and what it answers
is a drop like any other: LDIF, kept in the archive, planned and judged.
rollcall help source shows the keys; examples/ldap-openldap and examples/ldap-ad work.
rollcall doctor PROFILE reads to the end and changes nothing. 100,000 entries take about as
long as ldapsearch takes to read them (1.2 times, make bench), and 25 MiB of memory.

Columns are the directory's attributes, in capitals or not, and
  dn         the entry's name
  @status    active or suspended
               ad        userAccountControl, bit 2
               openldap  pwdAccountLockedTime: 000001010000Z is suspended, a lock-out is not
               389ds     nsAccountLock
  @expires   a date, or none
               ad        accountExpires
               openldap  pwdEndTime, else shadowExpire
               389ds     krbPrincipalExpiration, else shadowExpire
  @anchor    objectGUID, entryUUID or nsUniqueId: the entry's own name for good. It is asked
             for and kept beside the key without being mapped, so that an entry whose key
             has changed is still the same person: rollcall help R47
An LDIF file (format.type: ldif, format.dialect) has @status and @expires where its entries
have what they are made of. Export it with ldapsearch -LLL … '*' +, or slapcat: then OpenLDAP's
says also that nobody is locked; of other servers name the attribute in format.columns.
Of several values one is used: that of the entry's name, of proxyAddresses the one
with SMTP: in capitals (transform: [primary_smtp] takes that off), else the smallest.

Groups of the directory become cohorts and roles of their members:
  groups:
    base: OU=LMS,OU=Groups,DC=ad,DC=example,DC=org
    nested: on                                 # groups in groups; off by default
    primary: off                               # also primaryGroupID, gidNumber
    cohorts: {"LMS-*": "{cn|after:LMS-|slug}"} # a pattern of group names; {cn} is the name
    roles: {LMS-Course-Creators: [course_creator]}
All groups below base are read each time, with incremental: too, and who came into one or
left one counts as changed. Members are known by DN (member, uniqueMember) and by uid (memberUid), in rings too; a chain of more
than 20 groups, or no group at all, refuses the drop. A drop notes them as rollcall-group.
What a group no longer grants stays, unless policy.memberships is exact: write that where
leaving a group shall count.
rollcall doctor names the patterns that fit no group, and the groups that no pattern fits.

What the directory's administrator gives the bind account
  OpenLDAP   limits dn.exact="cn=rollcall,dc=example,dc=org" size=unlimited time=unlimited
             and the right to read pwdAccountLockedTime: who may not see it sees nobody locked
  389 DS     nsSizeLimit: -1 and nsLookThroughLimit: -1 in its entry
  AD         an account that only reads, with a password that does not expire

What has changed alone (source.incremental), for a schedule of minutes
  usn        AD: by the numbers of one server. To see at once who was deleted, the bind
             account needs the right to list and read CN=Deleted Objects
  syncrepl   OpenLDAP with the overlay syncprov, 389 DS: with who was deleted. OpenLDAP needs
             syncprov-sessionlog 10000, or more than changes between two runs
  timestamp  any: without who was deleted
It is put together with the drop before. All is read once in full_every, and where anything
is in doubt: another server, a cookie that is refused, an edited profile; with groups: also
where an OU of people has another name, where more than 500 people come into groups or
leave them, or somebody among them is not where he was. The report says which it was,
and why. Who leaves the filter or the base is seen by syncrepl at once, by the
others when all is read. To have all read by the next run, write full_every: 1s for it.

A filter that leaves the disabled out makes them look like leavers. An answer that is
cut by a limit, refers to another server or breaks off is not used at all (E408).
`

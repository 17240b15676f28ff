package roster

import "strings"

// A Name is the public name of an account field, or of a custom one: last_name,
// fields.birth_date.
type Name string

// custom begins the name of a custom field.
const custom = "fields."

// Field is the account field that n names; ok is false for a custom one.
func (n Name) Field() (f Field, ok bool) { return FieldNamed(string(n)) }

// Custom is what the catalog calls the custom field that n names; ok is false
// for an account field.
func (n Name) Custom() (name string, ok bool) { return strings.CutPrefix(string(n), custom) }

// UnmarshalText reads the public name of a field by which people can be told apart.
func (n *Name) UnmarshalText(text []byte) error {
	if name, ok := strings.CutPrefix(string(text), custom); ok && name != "" {
		*n = Name(text)
		return nil
	}
	var f Field
	switch err := f.UnmarshalText(text); {
	case err != nil:
		return err
	case f == PasswordField:
		return &UnknownFieldError{Name: string(text)}
	}
	*n = Name(text)
	return nil
}

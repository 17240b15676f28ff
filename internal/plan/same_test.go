package plan

import (
	"fmt"
	"reflect"
	"testing"

	"rollcall/internal/roster"
)

// TestS3WhateverAnEntrySaysIsInItsMeaning changes each field of an entry, by its
// type, so that a field that comes later is not forgotten.
func TestS3WhateverAnEntrySaysIsInItsMeaning(t *testing.T) {
	o := Options{Seed: 7}
	full := func() roster.Entry {
		e := roster.Entry{Key: "1", Set: 6, HasDef: 9, Wish: roster.WishLeave, Custom: []roster.CustomSaid{{Name: "a", Value: "b"}}}
		for f := range e.Values {
			e.Values[f], e.Defaults[f] = "a", "b"
		}
		return e
	}
	seen := map[uint64]string{}
	is := func(what string, e roster.Entry) {
		t.Helper()
		hash, _ := o.Meaning(e, nil)
		if other, twice := seen[hash]; twice || hash == 0 {
			t.Errorf("an entry with another %s has the meaning %d of %q", what, hash, other)
		}
		seen[hash] = what
	}
	is("nothing", full())
	// Where it stands, how it is written, whose password it is that is not there, and
	// how it was joined, of which nothing is remembered (S10).
	silent := map[string]bool{"Line": true, "Hash": true, "FirstOnly": true, "Preferred": true}
	unsure := map[string]bool{"Joined": true, "KeyBad": true, "Outside": true, "Broken": true, "Late": true, "Problems": true, "Account": true, "Password": true} // like no other
	for i := range reflect.TypeFor[roster.Entry]().NumField() {
		name := reflect.TypeFor[roster.Entry]().Field(i).Name
		e := full()
		f := reflect.ValueOf(&e).Elem().Field(i)
		switch f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString("another")
		case reflect.Uint64:
			f.SetUint(1)
		case reflect.Int:
			f.SetInt(9)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		case reflect.Array:
			for j := range f.Len() - 1 {
				e := full()
				v := reflect.ValueOf(&e).Elem().Field(i)
				v.Index(j).SetString("another")
				is(name, e)
			}
			f.Index(f.Len() - 1).SetString("another")
		case reflect.Pointer:
			membership := roster.Membership{Kind: roster.CourseKind, Name: "A", Role: "r", Group: "g"}
			for j, w := range []roster.Wanted{
				{Membership: membership},
				{Membership: membership, Days: 3},
				{Membership: membership, From: "2026-10-01"},
				{Membership: membership, Status: "1"},
				{Membership: membership, Take: true},
				{Membership: membership, Only: true},
			} {
				e := full()
				e.Members = &roster.Members{Kinds: []roster.Kind{roster.CourseKind}, List: []roster.Wanted{w}}
				is(fmt.Sprint(name, j), e)
			}
			e.Members = &roster.Members{Unsure: []roster.Kind{roster.CourseKind}}
		case reflect.Struct:
			e.Hash.Lo = 9
		default:
			t.Fatalf("%s is a %s: say here how to change it", name, f.Kind())
		}
		hash, _ := o.Meaning(e, nil)
		switch same, _ := o.Meaning(full(), nil); {
		case silent[name]:
			if hash != same {
				t.Errorf("%s changes the meaning", name)
			}
		case unsure[name]:
			if hash != 0 {
				t.Errorf("an entry with another %s has a meaning", name)
			}
		default:
			is(name, e)
		}
	}
	for _, said := range [][]roster.CustomSaid{nil, {{Name: "a", Value: "c"}}, {{Name: "c", Value: "b"}}, {{Name: "a", Value: "b", Default: true}}, {{Name: "a", Value: "b"}, {Name: "b"}}} {
		e := full()
		e.Custom = said
		is(fmt.Sprint("custom field ", said), e)
	}
	moved := full()
	moved.Values[0], moved.Values[1] = "", "aa"
	is("place of a letter", moved)
}

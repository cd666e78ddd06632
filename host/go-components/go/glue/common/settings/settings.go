// Package settings says which settings a component of components-contrib has: those that it reads, and those that its
// reference documents.
package settings

import (
	"slices"
	"strings"
	"unicode"

	"github.com/dapr/components-contrib/metadata"
)

// Setting is one of them.
type Setting struct {
	// As Dapr's reference spells it.
	Name string
	// Other names that it has.
	Aliases []string
	// What its values are: string, bool, int, number or duration.
	Kind string
	// Whether it should not be used any more.
	Deprecated bool
}

// Of lists the settings of a component of this type, by name. What the store says of itself is the beginning: the fields that it
// reads its metadata into, also those that Dapr's documentation tool leaves out. The rest is in facts.go. It gives none for a
// store that does not say.
func Of(kind string, store any) []Setting {
	component, ok := store.(interface{ GetComponentMetadata() metadata.MetadataMap })
	if !ok {
		return nil
	}
	facts := factsOf(kind)
	settings := []Setting{}
	for field, said := range component.GetComponentMetadata() {
		name := facts.spelling(field)
		if slices.Contains(facts.unread, name) {
			continue
		}
		setting := Setting{Name: name, Kind: kindOf(said.Type), Deprecated: said.Deprecated || slices.Contains(facts.deprecated, name)}
		for _, alias := range said.Aliases {
			setting.Aliases = append(setting.Aliases, strings.TrimSpace(alias))
		}
		setting.Aliases = append(setting.Aliases, facts.aliases[name]...)
		settings = append(settings, setting)
	}
	for _, more := range facts.more {
		same := func(setting Setting) bool { return strings.EqualFold(setting.Name, more.Name) }
		if !slices.ContainsFunc(settings, same) {
			settings = append(settings, more)
		}
	}
	slices.SortFunc(settings, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
	return settings
}

// spelled turns the name of a Go field into a setting's: URL into url, TTLAttributeName into ttlAttributeName. Fields with a
// tag have a setting's name already.
func spelled(field string) string {
	letters := []rune(field)
	for i := range letters {
		startsWord := i > 0 && i+1 < len(letters) && unicode.IsLower(letters[i+1])
		if !unicode.IsUpper(letters[i]) || startsWord {
			break
		}
		letters[i] = unicode.ToLower(letters[i])
	}
	return string(letters)
}

// kindOf says a type of Go in the words that Dapr has for settings.
func kindOf(goType string) string {
	switch goType = strings.TrimPrefix(goType, "*"); goType {
	case "time.Duration", "metadata.Duration", "redis.Duration":
		return "duration"
	case "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64":
		return "int"
	case "float32", "float64":
		return "number"
	case "bool", "string":
		return goType
	default:
		return "string"
	}
}

// Package export_dapr_component_description is what the generated code looks for: the settings that the component knows.
package export_dapr_component_description

import (
	"slices"
	"strings"

	"github.com/dapr/components-contrib/metadata"
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	description "wit_component/dapr_component_description"
	"wit_component/logs"
	"wit_component/source"
)

// Properties lists the settings.
func Properties() []description.Property {
	component, ok := any(source.New(logs.New(source.Type))).(interface{ GetComponentMetadata() metadata.MetadataMap })
	if !ok {
		return nil
	}
	known := component.GetComponentMetadata()
	properties := make([]description.Property, 0, len(known))
	for name, field := range known {
		if field.Ignored {
			continue
		}
		aliases := []string{}
		for _, alias := range field.Aliases {
			aliases = append(aliases, strings.TrimSpace(alias))
		}
		properties = append(properties, description.Property{
			Name:       name,
			Aliases:    aliases,
			Kind:       kind(field.Type),
			Default:    witTypes.None[string](),
			Deprecated: field.Deprecated,
		})
	}
	slices.SortFunc(properties, func(a, b description.Property) int { return strings.Compare(a.Name, b.Name) })
	return properties
}

// kind says a type of Go in the words that Dapr has for settings.
func kind(goType string) string {
	switch goType = strings.TrimPrefix(goType, "*"); goType {
	case "time.Duration", "metadata.Duration":
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

// Package export_dapr_component_description is what the generated code looks for: the settings that the component has.
package export_dapr_component_description

import (
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	description "wit_component/dapr_component_description"
	"wit_component/logs"
	"wit_component/settings"
	"wit_component/source"
)

// Properties lists the settings.
func Properties() []description.Property {
	known := settings.Of(source.Type, source.New(logs.New(source.Type)))
	properties := make([]description.Property, 0, len(known))
	for _, setting := range known {
		properties = append(properties, description.Property{
			Name:       setting.Name,
			Aliases:    append([]string{}, setting.Aliases...),
			Kind:       setting.Kind,
			Default:    witTypes.None[string](),
			Deprecated: setting.Deprecated,
		})
	}
	return properties
}

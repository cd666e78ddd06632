// Package export_dapr_secrets_provider_loop is what the generated code looks for: the export of the component.
package export_dapr_secrets_provider_loop

import "wit_component/store"

// Run runs for the life of the instance.
func Run() { store.Run() }

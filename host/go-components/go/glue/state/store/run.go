// Package store makes a state store of components-contrib a store of dapr:state.
package store

import (
	"context"
	"slices"
	"strings"
	"time"

	contribmetadata "github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	witRuntime "go.bytecodealliance.org/pkg/wit/runtime"
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	requests "wit_component/dapr_state_provider_requests"
	types "wit_component/dapr_state_provider_types"
	"wit_component/logs"
	"wit_component/serve"
	"wit_component/source"
)

// Run is the export: it opens the store, serves it and closes it.
func Run() {
	configuration := requests.Begin()
	serve.Prepare(configuration.Memory)
	opened, err := open(configuration)
	witRuntime.Unpin()
	logs.Redirect() // those that were made meanwhile
	if err != nil {
		requests.Started(witTypes.Err[types.Declaration, types.Error](openError(err)))
		return
	}
	requests.Started(witTypes.Ok[types.Declaration, types.Error](opened.declaration()))
	err = serve.Loop(serve.Block[requests.Call, answer]{
		Pollable: uint32(requests.Subscribe().TakeHandle()),
		Next:     next,
		Do:       opened.do,
		Panicked: panicked,
		Busy:     func() answer { return refuse(types.MakeErrorThrottled()) },
		Respond:  requests.Respond,
	})
	if err != nil {
		logs.Errorf("the loop ended: %v", err)
	}
	if err := opened.inner.Close(); err != nil {
		logs.Errorf("the store could not be closed: %v", err)
	}
}

// panicked is the answer where the component panicked: nobody knows what it had written.
func panicked(call requests.Call) answer {
	const text = "the component panicked"
	switch call.Tag() {
	case requests.Call_Get, requests.Call_BulkGet, requests.Call_ListKeys:
		return refuse(types.MakeErrorInternal(text))
	default:
		return refuse(types.MakeErrorOutcomeUnknown(text))
	}
}

// contrib is a store with what is known of it.
type contrib struct {
	inner    state.Store
	traits   traits
	features []state.Feature
}

func open(configuration types.Configuration) (*contrib, error) {
	traits := traitsOf(source.Type, source.Version)
	properties := make(map[string]string, len(configuration.Metadata)+len(traits.defaults))
	for _, given := range configuration.Metadata {
		properties[given.F0] = given.F1
	}
	for _, missing := range traits.defaults {
		if !slices.ContainsFunc(configuration.Metadata, missing.isGivenAs) {
			properties[missing.names[0]] = missing.value
		}
	}
	inner := source.New(logs.New(source.Type).Without(traits.mutes))
	metadata := state.Metadata{Base: contribmetadata.Base{Name: configuration.Name, Properties: properties}}
	if err := inner.Init(context.Background(), metadata); err != nil {
		return nil, err
	}
	features := inner.Features()
	if traits.ignoresContext {
		inner = newPatient(inner)
	}
	return &contrib{inner: inner, traits: traits, features: features}, nil
}

// isGivenAs says whether the configuration names the setting so. Case does not count.
func (s setting) isGivenAs(given pair) bool {
	return slices.ContainsFunc(s.names, func(name string) bool { return strings.EqualFold(name, given.F0) })
}

func next() (serve.Event[requests.Call], bool) {
	found := requests.Next()
	// What a call of the host returns is kept until here: there is no other export, at the end of which it would be let go.
	defer witRuntime.Unpin()
	if found.IsNone() {
		return serve.Event[requests.Call]{}, false
	}
	switch event := found.Some(); event.Tag() {
	case requests.Event_Request:
		request := event.Request()
		return serve.Event[requests.Call]{
			Kind: serve.Request, ID: request.Id, Timeout: time.Duration(request.Timeout), Call: request.Call,
		}, true
	case requests.Event_Cancel:
		return serve.Event[requests.Call]{Kind: serve.Cancel, ID: event.Cancel()}, true
	default:
		return serve.Event[requests.Call]{Kind: serve.Stop}, true
	}
}

func has(features []state.Feature, wanted state.Feature) bool {
	for _, feature := range features {
		if strings.EqualFold(string(feature), string(wanted)) {
			return true
		}
	}
	return false
}

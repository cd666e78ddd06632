// Package store makes a secret store of components-contrib a store of dapr:secrets.
package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	contribmetadata "github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	witRuntime "go.bytecodealliance.org/pkg/wit/runtime"
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	requests "wit_component/dapr_secrets_provider_requests"
	types "wit_component/dapr_secrets_provider_types"
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
		Panicked: func(requests.Call) answer { return refuse(types.MakeErrorInternal("the component panicked")) },
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

// contrib is a store with what is known of it.
type contrib struct {
	inner  secretstores.SecretStore
	traits traits
	// Whether a secret may have several keys.
	multiple bool
}

// open makes the store. Some components panic where a setting is none that they know.
func open(configuration types.Configuration) (opened *contrib, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("the component panicked when it was set up: %v", value)
		}
	}()
	traits := traitsOf(source.Type)
	properties := make(map[string]string, len(configuration.Metadata))
	for _, given := range configuration.Metadata {
		for name, instead := range files {
			if strings.EqualFold(name, given.F0) && given.F1 != "" {
				return nil, fmt.Errorf("`%s` names a file, and a component reads none: %s", name, instead)
			}
		}
		properties[given.F0] = given.F1
	}
	inner := source.New(logs.New(source.Type))
	metadata := secretstores.Metadata{Base: contribmetadata.Base{Name: configuration.Name, Properties: properties}}
	if err := inner.Init(context.Background(), metadata); err != nil {
		return nil, err
	}
	multiple := false
	for _, feature := range inner.Features() {
		multiple = multiple || strings.EqualFold(string(feature), string(secretstores.FeatureMultipleKeyValuesPerSecret))
	}
	return &contrib{inner: inner, traits: traits, multiple: multiple}, nil
}

func (c *contrib) declaration() types.Declaration {
	declared := types.Declaration{Instances: types.Instances_Several}
	if c.multiple {
		declared.Features |= types.Features_MultipleKeys
	}
	return declared
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

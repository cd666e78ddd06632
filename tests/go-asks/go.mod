module asks

go 1.26

require (
	github.com/redis/go-redis/v9 v9.21.0
	go.bytecodealliance.org/pkg v0.4.0
	wit_component v0.0.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	go.uber.org/atomic v1.11.0 // indirect
)

// Written by the build, from the WIT of the host.
replace (
	go.bytecodealliance.org/pkg => ./bindings/pkg
	wit_component => ./bindings
)

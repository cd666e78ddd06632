module sdk

go 1.26

require (
	go.bytecodealliance.org/pkg v0.4.0
	wit_component v0.0.0
)

// Written by the build, from the WIT of the host.
replace (
	go.bytecodealliance.org/pkg => ./bindings/pkg
	wit_component => ./bindings
)

module example.org/own/v2

go 1.26

require (
	example.org/greetings v0.0.0
	github.com/dapr/components-contrib v1.18.4
	github.com/dapr/kit v0.18.2
)

replace example.org/greetings => ../greetings

// Package greetings is of a module that stands, by its folder, for one that nobody has published.
package greetings

// Greeting is how it begins.
const Greeting = "hello"

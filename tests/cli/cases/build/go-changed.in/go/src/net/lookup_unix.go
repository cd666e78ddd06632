// Lookups, as somebody has them otherwise.
package net

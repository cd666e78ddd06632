;; A core module that is a program for WASI preview 1: it traps.
(module
  (memory (export "memory") 1)
  (func (export "_start") unreachable))

;; Imports by the name that the engine's own adapters import by, so as not to be blamed for its trap.
(component
  (core module $flags (global (export "instance0") (mut i32) (i32.const 1)))
  (core instance $flags (instantiate $flags))
  (core module $m
    (import "flags" "instance0" (global (mut i32)))
    (func (export "get") (result i32) unreachable))
  (core instance $i (instantiate $m (with "flags" (instance $flags))))
  (func $get (result u32) (canon lift (core func $i "get")))
  (instance $number (export "get" (func $get)))
  (export "test:numbers/number@1.0.0" (instance $number)))

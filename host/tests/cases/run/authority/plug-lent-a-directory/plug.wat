;; Hands the host's own interface on: with permission it stands between the consumer and the host.
(component
  (import "wasi:filesystem/types@0.2.6" (instance $types
    (export "descriptor" (type (sub resource)))))
  (core module $m (func (export "get") (result i32) (i32.const 42)))
  (core instance $i (instantiate $m))
  (func $get (result u32) (canon lift (core func $i "get")))
  (instance $number (export "get" (func $get)))
  (export "test:numbers/number@1.0.0" (instance $number))
  (export "wasi:filesystem/types@0.2.6" (instance $types)))

(component
  (import "test:numbers/number@1.0.0" (instance $number
    (export "get" (func (result u32)))))
  (import "wasi:filesystem/types@0.2.6" (instance $types
    (export "descriptor" (type (sub resource)))))
  (alias export $types "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.2.6" (instance $preopens
    (alias outer 1 $descriptor (type $outer))
    (export "descriptor" (type $d (eq $outer)))
    (export "get-directories" (func (result (list (tuple (own $d) string)))))))
  (import "wasi:cli/environment@0.2.6" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))
    (export "get-arguments" (func (result (list string))))))
  (core func $get (canon lower (func $number "get")))
  (core module $m
    (import "number" "get" (func $get (result i32)))
    (func (export "run") (result i32) (i32.ne (call $get) (i32.const 0))))
  (core instance $i (instantiate $m
    (with "number" (instance (export "get" (func $get))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (func $n (result u32) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "n" (func $number "get"))
  (export "wasi:cli/run@0.2.6" (instance $command)))

(component
  (import "wasi:filesystem/types@0.2.6" (instance $types
    (export "descriptor" (type (sub resource)))
  ))
  (alias export $types "descriptor" (type $descriptor))
  (type $pre (instance
    (alias outer 1 $descriptor (type $outer))
    (export "descriptor" (type $d (eq $outer)))
    (export "get-directories" (func (result (list (tuple (own $d) string)))))))
  (import "test:helper/h@1.0.0" (instance
    (alias outer 1 $pre (type $p))
    (export "c" (component
      (alias outer 1 $p (type $q))
      (import "wasi:filesystem/preopens@0.2.6" (instance (type $q)))))))
  (import "wasi:io/poll@0.2.6" (instance $e (type $pre)))
  (core module $memory
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (core func $f (canon lower (func $e "get-directories")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $m
    (import "host" "memory" (memory 1))
    (import "host" "f" (func $f (param i32)))
    (func (export "get") (result i32)
      (call $f (i32.const 0))
      (i32.load (i32.const 4))))
  (core instance $i (instantiate $m (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "f" (func $f))))))
  (func $get (result u32) (canon lift (core func $i "get")))
  (instance $number (export "get" (func $get)))
  (export "test:numbers/number@1.0.0" (instance $number)))

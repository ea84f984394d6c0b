;; Exports how many directories it was granted by each of two versions of one interface: the number
;; by the first + 10 × the number by the second.
(component
  (import "wasi:filesystem/types@0.2.0" (instance $old-types
    (export "descriptor" (type (sub resource)))))
  (alias export $old-types "descriptor" (type $old-descriptor))
  (import "wasi:filesystem/preopens@0.2.0" (instance $old
    (alias outer 1 $old-descriptor (type $outer))
    (export "descriptor" (type $d (eq $outer)))
    (export "get-directories" (func (result (list (tuple (own $d) string)))))))
  (import "wasi:filesystem/types@0.2.6" (instance $types
    (export "descriptor" (type (sub resource)))))
  (alias export $types "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.2.6" (instance $new
    (alias outer 1 $descriptor (type $outer))
    (export "descriptor" (type $d (eq $outer)))
    (export "get-directories" (func (result (list (tuple (own $d) string)))))))
  ;; a bump allocator
  (core module $memory
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (core func $old (canon lower (func $old "get-directories")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $new (canon lower (func $new "get-directories")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $m
    (import "host" "memory" (memory 1))
    (import "host" "old" (func $old (param i32)))
    (import "host" "new" (func $new (param i32)))
    (func (export "get") (result i32)
      (call $old (i32.const 0))
      (call $new (i32.const 8))
      (i32.add
        (i32.load (i32.const 4))
        (i32.mul (i32.load (i32.const 12)) (i32.const 10)))))
  (core instance $i (instantiate $m (with "host" (instance
    (export "memory" (memory $memory "memory"))
    (export "old" (func $old))
    (export "new" (func $new))))))
  (func $get (result u32) (canon lift (core func $i "get")))
  (instance $number (export "get" (func $get)))
  (export "test:numbers/number@1.0.0" (instance $number)))

;; Exits with 0 if the plug was granted nothing and it itself something, else with 1.
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
  (core func $directories (canon lower (func $preopens "get-directories")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $variables (canon lower (func $environment "get-environment")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $arguments (canon lower (func $environment "get-arguments")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $get (canon lower (func $number "get")))
  (core module $m
    (import "host" "memory" (memory 1))
    (import "host" "directories" (func $directories (param i32)))
    (import "host" "variables" (func $variables (param i32)))
    (import "host" "arguments" (func $arguments (param i32)))
    (import "plug" "get" (func $get (result i32)))
    (func (export "run") (result i32)
      (call $directories (i32.const 0))
      (call $variables (i32.const 8))
      (call $arguments (i32.const 16))
      (i32.or
        (i32.ne (call $get) (i32.const 0))
        (i32.eqz (i32.add (i32.load (i32.const 4)) (i32.load (i32.const 12)))))))
  (core instance $i (instantiate $m
    (with "host" (instance
      (export "memory" (memory $memory "memory"))
      (export "directories" (func $directories))
      (export "variables" (func $variables))
      (export "arguments" (func $arguments))))
    (with "plug" (instance (export "get" (func $get))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $command)))

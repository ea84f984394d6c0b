;; Exports the functions of the cache that it imports, under another name.
(component
  (import "toolkit:cache/cache@0.1.0" (instance $cache
    (type $error' (enum "runtime-error" "not-found-error"))
    (export "error" (type $error (eq $error')))
    (export "delete" (func (param "key" string) (result (result (error $error)))))
    (export "get" (func (param "key" string) (result (result (list u8) (error $error)))))))
  (alias export $cache "error" (type $error))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $delete (canon lower (func $cache "delete") (memory $mem)))
  (core func $get (canon lower (func $cache "get") (memory $mem) (realloc $realloc)))
  (core module $m
    (import "cache" "delete" (func $delete (param i32 i32 i32)))
    (import "cache" "get" (func $get (param i32 i32 i32)))
    (func (export "delete") (param i32 i32) (result i32)
      (call $delete (local.get 0) (local.get 1) (i32.const 16))
      (i32.const 16))
    (func (export "get") (param i32 i32) (result i32)
      (call $get (local.get 0) (local.get 1) (i32.const 16))
      (i32.const 16)))
  (core instance $i (instantiate $m
    (with "cache" (instance (export "delete" (func $delete)) (export "get" (func $get))))))
  (func $own-delete (param "key" string) (result (result (error $error)))
    (canon lift (core func $i "delete") (memory $mem) (realloc $realloc)))
  (func $own-get (param "key" string) (result (result (list u8) (error $error)))
    (canon lift (core func $i "get") (memory $mem) (realloc $realloc)))
  (component $named
    (type $error (enum "runtime-error" "not-found-error"))
    (import "error" (type $imported (eq $error)))
    (import "delete" (func $delete (param "key" string) (result (result (error $imported)))))
    (import "get" (func $get (param "key" string) (result (result (list u8) (error $imported)))))
    (export $exported "error" (type $error))
    (export "delete" (func $delete)
      (func (param "key" string) (result (result (error $exported)))))
    (export "get" (func $get)
      (func (param "key" string) (result (result (list u8) (error $exported))))))
  (instance $calls (instantiate $named
    (with "error" (type $error)) (with "delete" (func $own-delete)) (with "get" (func $own-get))))
  (export "test:cache/calls@1.0.0" (instance $calls)))

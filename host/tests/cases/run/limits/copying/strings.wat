;; Gives 64 Ki strings that are all the same 512 KiB: 32 GiB for who copies them.
(component
  (core module $m (memory (export "memory") 400)
   (func (export "f") (result i32) (local $p i32)
     (local.set $p (i32.const 0x100000))
     (loop $l (i32.store (local.get $p) (i32.const 0x20)) (i32.store (i32.add (local.get $p) (i32.const 4)) (i32.const 0x80000))
       (local.set $p (i32.add (local.get $p) (i32.const 8))) (br_if $l (i32.lt_u (local.get $p) (i32.const 0x180000))))
     (i32.store (i32.const 0) (i32.const 0x100000)) (i32.store (i32.const 4) (i32.const 0x10000)) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func (export "f") (result (list string)) (canon lift (core func $i "f") (memory (core memory $i "memory")))))

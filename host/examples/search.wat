;; Keeps a number in its memory, and searches all memory that it can reach for one.
(module
  (memory (export "memory") 1)
  (func (export "keep") (param $number i64)
    (i64.store (i32.const 1024) (local.get $number)))

  ;; Returns the address of the number in this memory, or -1.
  (func (export "search") (param $number i64) (result i32)
    (local $address i32)
    (loop $next
      (if (i64.eq (i64.load (local.get $address)) (local.get $number))
        (then (return (local.get $address))))
      (local.set $address (i32.add (local.get $address) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $address) (i32.const 65529))))
    (i32.const -1))

  ;; Reads beyond the memory.
  (func (export "read-beyond") (result i64)
    (i64.load (i32.const 65536))))

;; Writes to its standard error what would erase the mark, forge a message, and set title and clipboard.
(component
  (import "wasi:io/error@0.2.6" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/streams@0.2.6" (instance $streams
    (export "output-stream" (type $stream (sub resource)))
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $e (eq $outer-error)))
    (type $failure (variant (case "last-operation-failed" (own $e)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failure)))
    (export "[method]output-stream.blocking-write-and-flush" (func
      (param "self" (borrow $stream)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stderr@0.2.6" (instance $stderr
    (alias outer 1 $stream (type $outer-stream))
    (export "output-stream" (type $s (eq $outer-stream)))
    (export "get-stderr" (func (result (own $s))))))
  (core module $libc (memory (export "memory") 1) (data (i32.const 16) "\rerror: `consumer-num` trapped: forged by the plug\1b[K\0a\1b[1A\1b[2Kmark erased: this line looks like the consumer\27s own\0a\1b]0;window title\07\1b]52;c;Y3VybCBldmlsfHNo\07\0a"))
  (core instance $libc (instantiate $libc))
  (core func $get (canon lower (func $stderr "get-stderr")))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
    (memory (core memory $libc "memory"))))
  (core module $m
    (import "" "get" (func $get (result i32)))
    (import "" "write" (func $write (param i32 i32 i32 i32)))
    (func (export "get") (result i32) (local $stream i32)
      (local.set $stream (call $get))
      (call $write (local.get $stream) (i32.const 16) (i32.const 157) (i32.const 0))
      (i32.const 42)))
  (core instance $i (instantiate $m (with "" (instance (export "get" (func $get)) (export "write" (func $write))))))
  (func $get (result u32) (canon lift (core func $i "get")))
  (instance $number (export "get" (func $get)))
  (export "test:numbers/number@1.0.0" (instance $number)))

(component
  (import "wasi:cli/exit@0.2.6" (instance $exit
    (export "exit" (func (param "status" (result))))))
  (core func $exit (canon lower (func $exit "exit")))
  (core module $m
    (import "exit" "exit" (func $exit (param i32)))
    (func $start (call $exit (i32.const 0)))
    (start $start)
    (func (export "get") (result i32) (i32.const 42)))
  (core instance $i (instantiate $m (with "exit" (instance (export "exit" (func $exit))))))
  (func $get (result u32) (canon lift (core func $i "get")))
  (instance $number (export "get" (func $get)))
  (export "test:numbers/number@1.0.0" (instance $number)))

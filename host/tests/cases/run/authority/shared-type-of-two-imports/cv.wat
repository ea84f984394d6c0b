(component
  (import "test:v/v" (instance))
  (import "test:numbers/number@1.0.0" (instance $number
    (export "get" (func (result u32)))))
  (export "n" (func $number "get")))

(component (import "source" (instance $i
  (type $u32 u32)
  (export "thing" (type $thing (eq $u32)))
  (export "f" (func (result u32)))))
  (export "test:shapes/shape@1.0.0" (instance $i)))

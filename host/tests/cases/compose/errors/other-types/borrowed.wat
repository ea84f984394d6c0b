(component (import "source" (instance $i
  (export "thing" (type $thing (sub resource)))
  (export "f" (func (param "t" (borrow $thing))))))
  (export "test:shapes/shape@1.0.0" (instance $i)))

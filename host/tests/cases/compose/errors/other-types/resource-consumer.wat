(component (import "test:shapes/shape@1.0.0" (instance
  (export "thing" (type $thing (sub resource)))
  (export "f" (func (result (own $thing)))))))

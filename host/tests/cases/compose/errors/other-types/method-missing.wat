(component (import "source" (instance $i
  (export "thing" (type $thing (sub resource)))
))
  (export "test:shapes/shape@1.0.0" (instance $i)))

;; The feature is from a section of the binary, and its text is free.
(component
  (@custom "package-docs" "\01{\22worlds\22:{\22root\22:{\22func_exports\22:{\22f\22:{\22stability\22:{\22unstable\22:{\22feature\22:\22\\u001b[2K\\u202e\22}}}}}}}")
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (export "f" (func $f)))

(module (func $fails unreachable) (func (export "_start") (call $fails)))

(module (func (export "get") (result i32) (i32.const 42)))

package recorder

// What the tests look at from outside.
var (
	FindBox      = findBox
	FreeName     = freeName
	IsFragmented = isFragmented
	IsTake       = isTake
	FinishJob    = finish
)

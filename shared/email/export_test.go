package email

import "sync"

// Forget forgets what was parsed.
func Forget() { parsed = sync.OnceValue(parse) }

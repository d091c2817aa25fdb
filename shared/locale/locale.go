// Package locale knows the languages that people are written to in.
//
// It may import golang.org/x/text.
package locale

import (
	"sync"

	"golang.org/x/text/language"
)

// Languages are the languages with words of their own, as BCP 47 tags. The
// first is everybody's who has none of them.
var Languages = []string{"en", "de", "fr", "es", "pt-BR", "ja", "zh-Hans"}

var tags = sync.OnceValue(func() []language.Tag {
	all := make([]language.Tag, len(Languages))
	for i, l := range Languages {
		all[i] = language.Make(l)
	}
	return all
})

var matcher = sync.OnceValue(func() language.Matcher { return language.NewMatcher(tags()) })

// Nearest is the one of Languages that a reader of this locale understands
// best: de for de-AT, pt-BR for pt-PT, zh-Hans for zh-CN.
func Nearest(locale string) string {
	_, i, _ := matcher().Match(language.Make(locale))
	return Languages[i]
}

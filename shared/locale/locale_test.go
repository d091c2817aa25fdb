package locale_test

import (
	"testing"

	"github.com/latchkey/latchkey/shared/locale"
)

func TestNearest(t *testing.T) {
	for of, want := range map[string]string{
		"": "en", "en": "en", "en-GB": "en", "de": "de", "de-AT": "de", "DE_ch": "de", "gsw": "de",
		"fr-CA": "fr", "es-419": "es", "es-MX": "es", "pt": "pt-BR", "pt-BR": "pt-BR", "pt-PT": "pt-BR",
		"ja-JP": "ja", "zh": "zh-Hans", "zh-CN": "zh-Hans", "zh-Hans-SG": "zh-Hans", "zh-Hant-TW": "zh-Hans",
		"nl": "en", "sw": "en", "no such tag": "en", "x-private": "en",
	} {
		if got := locale.Nearest(of); got != want {
			t.Errorf("%q reads %s, want %s", of, got, want)
		}
	}
}

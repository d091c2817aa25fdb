package main

import (
	"slices"
	"testing"

	"github.com/latchkey/latchkey/shared/locale"
)

func TestPagesSpeakEveryLanguageOfTheMails(t *testing.T) {
	var spoken []string
	for _, l := range languages {
		spoken = append(spoken, l.tag)
	}
	if !slices.Equal(spoken, locale.Languages) {
		t.Errorf("the pages speak %q, the mails %q", spoken, locale.Languages)
	}
}

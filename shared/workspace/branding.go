package workspace

import (
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

const maxLogoURL = 500 // characters

var colorShape = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// CheckLogo names what is wrong with the address of a logo: it comes by https
// from a host that the deployment allows, since every mail loads it.
func CheckLogo(fields *fault.Fields, address string, hosts []string) {
	if address == "" {
		return
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(address) > maxLogoURL:
		fields.Add("/logoUrl", "invalid_logo", "A logo's address looks like https://cdn.corp.com/logo.png.")
	case u.Host != strings.ToLower(u.Host) || !slices.Contains(hosts, u.Host):
		fields.Add("/logoUrl", "host_not_allowed", "Logos may come from certain hosts alone. Ask whoever runs this service.")
	}
}

func (b Branding) check(fields *fault.Fields) {
	if b.ProductName != "" {
		user.CheckText(fields, "/productName", b.ProductName, user.MaxName)
	}
	switch {
	case b.AccentColor == "":
	case !colorShape.MatchString(b.AccentColor):
		fields.Add("/accentColor", "invalid_color", "A colour looks like #1f4fd8.")
	case contrast(luminance(b.AccentColor), luminance(onAccent)) < minContrast:
		fields.Add("/accentColor", "too_little_contrast", "White text on this colour cannot be read well. Choose a darker one.")
	}
	if b.ReplyTo != "" && b.ReplyTo != ReplyToInviter {
		checkAddress(fields, "/replyTo", b.ReplyTo)
	}
	if b.SupportAddress != "" {
		checkAddress(fields, "/supportAddress", b.SupportAddress)
	}
}

func checkAddress(fields *fault.Fields, pointer, address string) {
	var wrong fault.Fields
	user.CheckEmail(&wrong, address)
	for _, f := range wrong {
		fields.Add(pointer, f.Code, f.Detail)
	}
}

// onAccent is the colour of text on the accent colour: that of a button.
const onAccent = "#ffffff"

// minContrast is what text needs to be read by most people.
// https://www.w3.org/TR/WCAG22/#contrast-minimum
const minContrast = 4.5

// contrast and luminance are WCAG's.
// https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

func luminance(color string) float64 {
	part := func(from int) float64 {
		n, _ := strconv.ParseUint(color[from:from+2], 16, 8) // its shape was checked
		c := float64(n) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(1) + 0.7152*part(3) + 0.0722*part(5)
}

package workspace

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

const maxLogoURL = 500 // characters

// CheckLogo adds what is wrong with the address of a logo: it must use https
// and a host that the deployment allows, since every mail loads it.
func CheckLogo(fields *fault.Fields, address string, hosts []string) {
	if address == "" {
		return
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(address) > maxLogoURL:
		fields.Add("/logoUrl", "invalid_logo", "Enter an https address of 500 characters or fewer, such as https://cdn.corp.com/logo.png, without a query or fragment.")
	case u.Host != strings.ToLower(u.Host) || !slices.Contains(hosts, u.Host):
		fields.Add("/logoUrl", "host_not_allowed", "Logos from this host aren't allowed. Ask the operator of this service which hosts are.")
	}
}

func (b Branding) check(fields *fault.Fields) {
	if b.ProductName != "" {
		user.CheckTitle(fields, "/productName", b.ProductName, user.MaxName)
	}
	switch {
	case b.AccentColor == "":
	case len(b.AccentColor) != 7 || b.AccentColor[0] != '#' || strings.Trim(b.AccentColor[1:], "0123456789abcdef") != "":
		fields.Add("/accentColor", "invalid_color", "Enter a color in hexadecimal, such as #1f4fd8.")
	case contrast(luminance(b.AccentColor), luminance(onAccent)) < minContrast:
		fields.Add("/accentColor", "too_little_contrast", "White text is hard to read on this color. Choose a darker one.")
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

// onAccent is the color of text on the accent color, as on a button.
const onAccent = "#ffffff"

// minContrast is the contrast that text needs for most people to read it.
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

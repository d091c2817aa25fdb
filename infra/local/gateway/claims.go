package gateway

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// render makes text of claims, as API Gateway does: true is "true", a list is
// "[a b]", an object is its JSON, and null is left out.
func render(claims jwt.MapClaims) Claims {
	out := make(Claims, len(claims))
	for name, value := range claims {
		if value != nil {
			out[name] = renderValue(value)
		}
	}
	return out
}

func renderValue(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return renderNumber(v)
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = renderValue(item)
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	text, err := json.Marshal(value)
	if err != nil { // it came from JSON
		return fmt.Sprint(value)
	}
	return string(text)
}

// renderNumber writes out exponents: times may come as 1.7e9.
func renderNumber(n json.Number) string {
	if f, err := n.Float64(); err == nil && strings.ContainsAny(n.String(), "eE") {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return n.String()
}

package messaging

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// NewID is a random UUID, as SQS and EventBridge name what they take.
func NewID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// handle returns the receipt handle of a received message: its key and receive
// count.
func (m Message) handle() string {
	return base64.RawURLEncoding.EncodeToString(m.key) + "." + strconv.Itoa(m.Receives)
}

// errNoHandle is SQS's ReceiptHandleIsInvalid.
var errNoHandle = errors.New("the input receipt handle is invalid")

// Received returns the message of a receipt handle.
func Received(handle string) (m Message, err error) {
	key, receives, _ := strings.Cut(handle, ".")
	m.key, err = base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		return m, errNoHandle
	}
	m.Receives, err = strconv.Atoi(receives)
	if err != nil || len(m.key) == 0 {
		return m, errNoHandle
	}
	return m, nil
}

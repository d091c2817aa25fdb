//go:build unix

package lambda

import (
	"context"
	"net"
	"syscall"
)

// connKey is the context key of a request's connection.
type connKey struct{}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// hungUp says whether the other end of the request's connection has closed it.
// A process that died while it waited for work has, for the kernel closes what
// the dead had open; net/http hears of that a moment later, and an invocation
// handed over in that moment would be lost. So this asks the socket itself. (A
// process that dies at the very instant may still take work with it. The caller
// is told so, for nobody knows how far that work came.)
func hungUp(ctx context.Context) bool {
	conn, ok := ctx.Value(connKey{}).(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		gone = n == 0 && err == nil || err == syscall.ECONNRESET
	})
	return gone || err != nil
}

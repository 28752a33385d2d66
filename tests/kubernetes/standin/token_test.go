package standin

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAServerLetsInByTheTokenItWasStartedWith(t *testing.T) {
	node := &Node{config: &Config{}, secret: password("K10abc::server:started-with\n")}
	asked := func(node *Node, secret string) int {
		request := httptest.NewRequest(http.MethodGet, "/v1-k3s/encrypt/status", nil)
		request.SetBasicAuth("server", secret)
		answer := httptest.NewRecorder()
		node.authorized(node.encryptionStatus)(answer, request)
		return answer.Code
	}
	if status := asked(node, "started-with"); status != http.StatusOK {
		t.Errorf("its own token: %d", status)
	}
	for _, other := range []string{"", "rotated-to"} {
		if status := asked(node, other); status != http.StatusUnauthorized {
			t.Errorf("%q: %d", other, status)
		}
	}
	if status := asked(&Node{config: &Config{}}, ""); status != http.StatusUnauthorized {
		t.Errorf("a server that does not know its token yet: %d", status)
	}
}

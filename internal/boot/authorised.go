package boot

import (
	"context"
	"fmt"

	authorization "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/lyft/dockernetes/pkg/phases"
)

// rights are what the components begin with. RBAC's rules are made in four
// steps: cluster roles, their bindings, roles, their bindings. The first of
// these rights comes with the second step and the others with the last, so all
// the rules are there when they are.
var rights = []struct {
	user string
	may  authorization.ResourceAttributes
}{
	{"system:kube-proxy", authorization.ResourceAttributes{Verb: "watch", Group: "discovery.k8s.io", Resource: "endpointslices"}},
	{"system:kube-scheduler", authorization.ResourceAttributes{Verb: "get", Resource: "configmaps", Namespace: "kube-system", Name: "extension-apiserver-authentication"}},
	{"system:kube-controller-manager", authorization.ResourceAttributes{Verb: "get", Resource: "configmaps", Namespace: "kube-system", Name: "extension-apiserver-authentication"}},
}

// authorised checks that the components may do what they begin with.
type authorised struct{ client *phases.Client }

func (a *authorised) check(ctx context.Context) error {
	kube, err := a.client.Kubernetes()
	if err != nil {
		return err
	}
	for _, right := range rights {
		review := &authorization.SubjectAccessReview{Spec: authorization.SubjectAccessReviewSpec{
			User: right.user, Groups: []string{"system:authenticated"}, ResourceAttributes: &right.may,
		}}
		answer, err := kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("cannot ask what %s may do: %w", right.user, err)
		}
		if !answer.Status.Allowed {
			return fmt.Errorf("RBAC's default rules are not there yet: %s may not %s %s", right.user, right.may.Verb, right.may.Resource)
		}
	}
	return nil
}

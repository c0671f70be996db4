package phases

import (
	"context"

	rbac "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeadmconstants "k8s.io/kubernetes/cmd/kubeadm/app/constants"
)

// bindings are the cluster roles that kubeadm gives out at the end of "kubeadm
// init", and without which admin.conf and "kubectl logs" are Forbidden.
var bindings = []struct {
	name, role string
	subject    rbac.Subject
}{
	{kubeadmconstants.ClusterAdminsGroupAndClusterRoleBinding, "cluster-admin",
		rbac.Subject{APIGroup: rbac.GroupName, Kind: rbac.GroupKind, Name: kubeadmconstants.ClusterAdminsGroupAndClusterRoleBinding}},
	{kubeadmconstants.KubeletAPIAdminClusterRoleBindingName, kubeadmconstants.KubeletAPIAdminClusterRoleName,
		rbac.Subject{APIGroup: rbac.GroupName, Kind: rbac.UserKind, Name: kubeadmconstants.APIServerKubeletClientCertCommonName}},
}

// RBAC makes admin.conf an administrator's, and lets the API server ask the
// kubelet for logs and the like.
func RBAC(client *Client) func(context.Context) error {
	return func(ctx context.Context) error {
		kube, err := client.Kubernetes()
		if err != nil {
			return err
		}
		for _, b := range bindings {
			err := create(ctx, kube.RbacV1().ClusterRoleBindings(), &rbac.ClusterRoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: b.name},
				RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: b.role},
				Subjects:   []rbac.Subject{b.subject},
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

package phases

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// objects is the part of a typed client that creates and looks.
type objects[T any] interface {
	Create(ctx context.Context, object T, opts metav1.CreateOptions) (T, error)
	Get(ctx context.Context, name string, opts metav1.GetOptions) (T, error)
}

// updatable is a typed client whose objects can be replaced.
type updatable[T any] interface {
	objects[T]
	Update(ctx context.Context, object T, opts metav1.UpdateOptions) (T, error)
}

// create creates object unless there is one of its name: that one may have
// been changed by the cluster's user, and stays over a restart. It looks first,
// as it mostly is there: from the image's seed or an earlier start.
func create[T metav1.Object](ctx context.Context, client objects[T], object T) error {
	_, err := client.Get(ctx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = client.Create(ctx, object, metav1.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("cannot create %s: %w", described(object), err)
	}
	return nil
}

// put creates object or replaces the one of its name.
func put[T metav1.Object](ctx context.Context, client updatable[T], object T) error {
	_, err := client.Create(ctx, object, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = client.Update(ctx, object, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("cannot create %s: %w", described(object), err)
	}
	return nil
}

func described[T metav1.Object](object T) string {
	return fmt.Sprintf("the %T %q", object, object.GetName())
}

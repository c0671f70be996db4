# The image is Debian, a few of its packages, and what hack/image has put into
# .build/rootfs. "make image" passes the arguments; the base is Debian's own image
# or, where no registry answers, one made of the same packages.
ARG BASE=debian:trixie-slim
FROM ${BASE}

# A base that was made with the packages needs none of this, and no network.
# Which versions the image has is recorded in it.
ARG PACKAGES
RUN set -eu; \
    dpkg --status ${PACKAGES} >/dev/null 2>&1 || { \
      apt-get -qq update; \
      DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends ${PACKAGES} >/dev/null; \
    }; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log /var/log/alternatives.log; \
    : >/etc/machine-id; \
    mkdir -p /usr/share/dnetinit; \
    dpkg-query --show --showformat '${Package} ${Version}\n' >/usr/share/dnetinit/packages.txt

COPY .build/rootfs/parts/ /
COPY .build/rootfs/own/ /

ENV container=docker \
    KUBECONFIG=/etc/kubernetes/admin.conf

# State that must be on a real file system and not on the container's overlay.
VOLUME ["/var/lib/etcd", "/var/lib/containerd", "/var/lib/docker", "/var/lib/kubelet"]
EXPOSE 6443
STOPSIGNAL SIGRTMIN+3
HEALTHCHECK --start-period=5m --start-interval=500ms --interval=10s --timeout=5s --retries=3 CMD ["dnetinit", "health"]
CMD ["/sbin/init"]

ARG VERSION KUBERNETES REVISION INPUTS
LABEL org.opencontainers.image.title="Dockernetes" \
      org.opencontainers.image.description="A whole Kubernetes in one container, ready in seconds" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="https://github.com/lyft/dockernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="debian:trixie-slim" \
      dev.dockernetes.kubernetes="${KUBERNETES}" \
      dev.dockernetes.inputs="${INPUTS}"

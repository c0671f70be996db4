# The image with its seed: what every cluster of it has in common. hack/image
# gives it the image without, and the folder of the seed as the context.
ARG UNSEEDED
FROM ${UNSEEDED}
COPY . /usr/share/dnetinit/seed/
